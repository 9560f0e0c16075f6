exports.handler = (context, event) => context.configs
