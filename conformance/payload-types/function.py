def inspect_payload(payload):
    return {"value": payload}
