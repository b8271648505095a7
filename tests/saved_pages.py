"""Pages in the form of the archive, written for the tests: navigation above, the site's foot below."""

ABOVE = """\
Latest Drug War News

GoodShop: You Shop and We Gain!

Shop online at GoodShop.com and a part of each purchase goes to our work!

Calendar of Gatherings

Voices from Inside
The Razor Wire
Ask for Parole Again!"""
BELOW = """\
For the latest drug war news, visit our friends and allies below

We are careful not to duplicate the efforts of other organizations, and so we send you on to those who know more.

The Drug Policy Alliance
Drug Reform Coordination Network
Drug Sense and The Media Awareness Project

Working to end drug war injustice

Meet the People Behind The Walls

Questions or problems? Contact webmaster@example.org"""
BACK = "Return to Drug War News: Don't Miss Archive"
BODY = (
    "The county closed its second jail on Monday, three years after it had opened the first.",
    '"Nobody is more surprised than I am," the sheriff said.',
    "Beds stood in the yard for sale. A farmer took forty of them, and would not say for what.",
)


def page(*head: str, body: tuple[str, ...] = BODY, above: str = ABOVE, below: str = BELOW) -> str:
    return "\n\n".join([above, *head, *body, below])


SOURCE = "August 10, 2004 - Harbor Times (TX)"


def as_html(text: str) -> str:
    blocks = text.split("\n\n")
    escaped = [block.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<BR>\n") for block in blocks]
    paragraphs = "\n".join(f'<P ALIGN="left"><FONT title="a > b">{block}</FONT>' for block in escaped)
    return (
        "<!DOCTYPE HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'>\n<html><head><title>March 2001 -- Wrong (US)</title>"
        "<style>p { color: red }</style><script>if (a < b) document.write('<p>no</p>')</script></head>\n"
        f"<body><!-- March 2002 -- Wrong (US) -->\n{paragraphs}\n</body></html>"
    )
