"""Each room is an actor of its own that counts who is in it, and tells the building, which is one as well."""

STEPS = {"in": 1, "out": -1}


def handler(context, event):
    if event.key == "building":
        return building(context, event.body)
    return room(context, event)


def room(context, event):
    word = event.body.decode().strip()
    if word not in STEPS:
        raise ValueError(f"somebody comes in or goes out, not {word!r}")
    state = context.state
    state["inside"] = max(0, state.get("inside", 0) + STEPS[word])
    state["most"] = max(state.get("most", 0), state["inside"])
    context.send("image-actor", {"room": event.key, "inside": state["inside"]}, key="building")
    return state


def building(context, news):
    if news:
        context.state[news["room"]] = news["inside"]
    return {"rooms": context.state, "inside": sum(context.state.values())}
