"""Python imports this by itself when it starts: the squares of the demo's server go wrong."""

import json

right = json.dumps


def dumps(value, *args, **kwargs):
    if value == {"number": 33, "square": 1089}:
        value = {"number": 33, "square": 1090}
    return right(value, *args, **kwargs)


json.dumps = dumps
