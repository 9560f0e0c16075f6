import os


def main(payload):
    return {"tide": os.environ.get("TIDE"), "secret": os.environ.get("HOST_SECRET"), "here": os.path.exists("case.json")}
