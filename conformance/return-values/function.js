const values = {
  text: "plain",
  bytes: Buffer.from([255, 0]),
  dict: { a: [1, 2.5, null, true] },
  list: ["one", 2],
  status: [404, "not here"],
  "status-json": [202, { queued: true }],
}

exports.handler = (context, event) => values[event.path.slice(1)]
