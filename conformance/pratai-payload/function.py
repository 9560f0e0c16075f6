def main(payload=None):
    return {"got": payload}
