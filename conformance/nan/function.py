def handler(context, event):
    return {"values": [float("nan"), float("inf"), -float("inf"), 1.5]}
