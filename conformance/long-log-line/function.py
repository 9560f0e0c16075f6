def main(payload):
    print("y" * payload)
    return "ok"
