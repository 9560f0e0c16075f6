def handler(context, event):
    return {
        "id": event.id,
        "method": event.method,
        "path": event.path,
        "url": event.url,
        "width": event.fields["w"],
        "empty": event.fields["x"],
        "header": event.get_header("X-One"),
        "content_type": event.content_type,
        "size": event.size,
        "kind": event.trigger.kind,
        "trigger": event.trigger.name,
        "year": event.timestamp.year,
        "type": event.type,
        "worker": context.worker_id,
    }
