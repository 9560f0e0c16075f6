const fs = require("fs")

exports.main = () => ({
  tide: process.env.TIDE,
  secret: process.env.HOST_SECRET ?? null,
  here: fs.existsSync("case.json"),
})
