def handler(context, event):
    return context.Response(
        headers={"X-Tide": "high", "X-Count": 3},
        body="made",
        content_type="text/x-tide",
        status_code=201,
    )
