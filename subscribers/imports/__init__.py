"""Lists that come from elsewhere: read whatever they are written in, understood by their columns, and taken over
without bringing anybody back who has left."""
