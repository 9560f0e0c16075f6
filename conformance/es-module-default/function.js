import { basename } from "node:path"

export default async (payload) => basename(payload)
