// The event of an EVENT frame, decoded only as far as the handler looks. A name may be looked up in `headers` in any case.

const caseless = {
  get: (target, name) => target[typeof name === 'string' && !(name in target) ? name.toLowerCase() : name],
  has: (target, name) => name in target || (typeof name === 'string' && name.toLowerCase() in target),
}

export class Event {
  #metaBytes
  #meta
  #headers
  #fields

  /** `meta` is the frame's meta as a Buffer, or already decoded. */
  constructor(meta, body) {
    if (Buffer.isBuffer(meta)) this.#metaBytes = meta
    else this.#meta = meta
    this.body = body
  }

  get #decoded() {
    this.#meta ??= this.#metaBytes.length ? JSON.parse(this.#metaBytes.toString()) : {}
    return this.#meta
  }

  get id() { return this.#decoded.id ?? '' }
  get method() { return this.#decoded.method ?? '' }
  get path() { return this.#decoded.path || '/' }
  get content_type() { return this.#decoded.content_type ?? '' }
  get trigger() { return this.#decoded.trigger ?? { kind: '', name: '' } }
  get type() { return this.#decoded.type ?? '' }
  get type_version() { return this.#decoded.type_version ?? '' }
  get version() { return this.#decoded.version ?? '' }
  get source() { return this.#decoded.source ?? '' }
  get subject() { return this.#decoded.subject ?? '' }
  get key() { return this.#decoded.key ?? '' }
  get caller() { return this.#decoded.caller ?? '' }
  get attempt() { return this.#decoded.attempt ?? 1 }
  get deadline_ms() { return this.#decoded.deadline_ms }
  get size() { return this.body.length }
  get shard_id() { return this.#decoded.shard_id }
  get num_shards() { return this.#decoded.num_shards }
  get offset() { return this.#decoded.offset }
  get topic() { return this.#decoded.topic }
  get timestamp() { return new Date((this.#decoded.time_us ?? 0) / 1000) }

  get url() {
    const { query } = this.#decoded
    return query ? `${this.path}?${query}` : this.path
  }

  get headers() {
    this.#headers ??= new Proxy(this.#decoded.headers ?? {}, caseless)
    return this.#headers
  }

  get fields() {
    this.#fields ??= Object.fromEntries(new URLSearchParams(this.#decoded.query ?? ''))
    return this.#fields
  }

  toJSON() {
    const { id, method, path, url, content_type, trigger, type, size, timestamp, fields } = this
    const headers = this.#decoded.headers ?? {}
    const body = this.body.toString('base64')
    return { id, method, path, url, content_type, trigger, type, size, timestamp, fields, headers, body }
  }
}

/** The events of a batch whose meta is decoded. */
export function splitBatch(meta, body) {
  let start = 0
  return meta.batch.map((member) => {
    const end = start + (member.size ?? 0)
    const event = new Event(member, body.subarray(start, end))
    start = end
    return event
  })
}
