"""Lists from elsewhere, small, in the shape of each program's export; every person is ours."""

LISTS: dict[str, tuple[str, str]] = {
    "mailchimp": (
        "subscribed_members_export.csv",
        "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,CHANGED,LEID,EUID,TAGS\n"
        'in@example.org,Ann,2,"2018-02-05 19:28:23",,"2018-02-05 19:30:00",192.0.2.1,"2019-01-01 00:00:00",1,a,\n',
    ),
    "mailchimp left": (
        "unsubscribed_members_export.csv",
        "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,UNSUB_TIME,UNSUB_REASON,LEID,EUID\n"
        'left@example.org,Bob,2,"2018-02-05 19:28:23",,"2020-05-13 10:18:25",NORMAL,2,b\n',
    ),
    "mailchimp cleaned": (
        "cleaned_members_export.csv",
        "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_ID,LEID,EUID\n"
        'hard-bounce@example.org,Cyd,1,"2018-02-05 19:28:23",,"2020-03-23 17:30:05",,3,c\n',
    ),
    "mailchimp never asked": (
        "nonsubscribed_members_export.csv",
        "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LEID,EUID\npending@example.org,Dee,1,,,4,d\n",
    ),
    "listmonk": (
        "subscribers.csv",
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        'u1,in@example.org,Ann,"{""city"": ""Ashford""}",enabled,2023-01-02 15:04:05.99 +0000 UTC,2023-02-02\n'
        "u2,left@example.org,Bob,{},disabled,2023-01-02 15:04:05 +0000 UTC,2024-01-02 15:04:05 +0000 UTC\n"
        "u3,by-hand@example.org,Cyd,{},blocklisted,2023-01-02 15:04:05 +0000 UTC,2024-01-02 15:04:05 +0000 UTC\n",
    ),
    "ghost": (
        "members.csv",
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels\n"
        'm1,in@example.org,Ann,"a note, of ours",true,false,,2024-01-15T10:00:00.000Z,,\n'
        "m2,left@example.org,Bob,,false,false,,2024-01-15T10:00:00.000Z,,\n",
    ),
    "substack": (
        "email_list.ours.csv",
        "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
        "in@example.org,false,,other,false,2025-01-01T00:00:00.000Z,\n"
        "left@example.org,true,,other,true,2025-01-01T00:00:00.000Z,\n",
    ),
    "buttondown": (
        "subscribers.csv",
        "id,email_address,creation_date,notes,metadata,tags,type\n"
        "1,in@example.org,2024-05-01T00:00:00Z,,{},fair,regular\n"
        "2,left@example.org,2024-05-01T00:00:00Z,,{},,unsubscribed\n"
        "3,hard-bounce@example.org,2024-05-01T00:00:00Z,,{},,undeliverable\n"
        "4,complaint@example.org,2024-05-01T00:00:00Z,,{},,complained\n"
        "5,pending@example.org,2024-05-01T00:00:00Z,,{},,unactivated\n",
    ),
    "mailman": ("roster.txt", "in@example.org\nin2@example.org\n"),
    "mailman with names": ("roster.txt", 'Person, Anne <in@example.org>\n"Bart P." <in2@example.org>\n'),
    "plain": (
        "list.csv",
        "Name;E-Mail;Status\nAnn;in@example.org;Subscribed\nBob;left@example.org;unsubscribed\n"
        "Cyd;hard-bounce@example.org;Cleaned\nDee;pending@example.org;unconfirmed\n",
    ),
}
"""By name: the name of the file, and its text. The local part of each address says what the list says of it."""
