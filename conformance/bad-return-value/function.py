def main(payload):
    if payload == "object":
        return {"it": object()}
    if payload == "circle":
        circle = []
        circle.append(circle)
        return circle
    return "fine"
