class Logged:
    def __log__(self):
        return "logged"


class Shown:
    def __repr__(self):
        return "<shown>"


def handler(context, event):
    return {"a": Logged(), "b": Shown()}
