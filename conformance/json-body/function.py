def handler(context, event):
    if isinstance(event.body, bytes):
        return {"bytes": len(event.body)}
    return {"sum": sum(event.body["numbers"]), "name": event.body["name"]}
