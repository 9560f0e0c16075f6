import { basename } from "node:path"

export function handler(context, event) {
  return basename("/a/b") + event.body
}
