def main(payload):
    return "called"
