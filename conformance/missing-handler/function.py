def first(payload):
    return payload


def second(payload):
    return payload
