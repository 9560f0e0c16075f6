// Loader hooks, which Node.js runs on a thread of their own: packages of the function's environment are found from any
// module, and a `.js` file in module syntax is one even without a package.json.

let bases = []
let moduleUrl = null

export function initialize(data) {
  ;({ bases, moduleUrl } = data)
}

export async function resolve(specifier, context, next) {
  try {
    const resolved = await next(specifier, context)
    return resolved.url === moduleUrl ? { ...resolved, format: 'module' } : resolved
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^[a-z]+:/.test(specifier)) throw error
    for (const parentURL of bases) {
      try {
        return await next(specifier, { ...context, parentURL })
      } catch {
        // the next folder
      }
    }
    throw error
  }
}
