RESULTS = {"text": "täxt", "null": None, "number": 7, "list": [1, [2]], "pair": (1, "x"), "false": False}


def pick(name):
    return RESULTS[name]
