exports.handler = (context, event) => {
  process.stdout.write("first ")
  process.stdout.write("line\n")
  process.stdout.write("a\nb\n")
  process.stderr.write("oops\n")
  process.stdout.write(Buffer.from("büffer\n"))
  process.stdout.write("unfinished")
  return "ok"
}
