def tick():
    return "tick"
