'use strict';

// A GitHub webhook: checks `X-Hub-Signature-256`, then answers with one line that says what happened.
//
// The signature is an HMAC-SHA-256 of the body, byte for byte as it was sent, keyed with GITHUB_WEBHOOK_SECRET. It is
// checked before the body is parsed, and compared in constant time. 401: the signature is missing or wrong. 400: the
// signature is right but the request is not a webhook.

const { createHmac, timingSafeEqual } = require('node:crypto');

// Without a secret anybody could call, so a worker without one does not start and the deploy fails.
exports.initContext = (context) => {
  const secret = process.env.GITHUB_WEBHOOK_SECRET;
  if (!secret) {
    throw new Error('GITHUB_WEBHOOK_SECRET is not set');
  }
  context.userData.secret = secret;
};

exports.handler = (context, event) => {
  const answer = (status, text) =>
    context.callback(new context.Response(`${text}\n`, {}, 'text/plain; charset=utf-8', status));

  if (!isSigned(event.body, header(event, 'x-hub-signature-256'), context.userData.secret)) {
    context.logger.warn('refused: the signature is missing or wrong');
    return answer(401, 'the signature is missing or wrong');
  }

  const name = header(event, 'x-github-event');
  let payload;
  try {
    payload = parse(event.body, event.content_type || header(event, 'content-type'));
  } catch (error) {
    return answer(400, `the body is not JSON: ${error.message}`);
  }
  if (!name || payload === null || typeof payload !== 'object') {
    return answer(400, 'this is not a webhook: X-GitHub-Event is missing or the body is no JSON object');
  }

  const line = summary(name, payload);
  context.logger.infoWith(line, { delivery: header(event, 'x-github-delivery') });
  return answer(200, line);
};

/** The header's value, or '' if there is none. Names are compared without regard to case. */
function header(event, name) {
  const found = Object.keys(event.headers || {}).find((key) => key.toLowerCase() === name);
  return found ? String(event.headers[found]) : '';
}

/** Whether `signature` ("sha256=" and 64 hex digits) is the one of `body` under `secret`. */
function isSigned(body, signature, secret) {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The payload: GitHub sends JSON, or a form with the JSON in its field `payload`, as the webhook's settings say. */
function parse(body, contentType) {
  const text = body.toString('utf8');
  const isForm = contentType.startsWith('application/x-www-form-urlencoded');
  return JSON.parse(isForm ? new URLSearchParams(text).get('payload') || '' : text);
}

/** One line for a person. */
function summary(name, payload) {
  const where = payload.repository?.full_name ?? payload.organization?.login ?? 'GitHub';
  const who = payload.sender?.login ?? payload.pusher?.name ?? 'somebody';

  switch (name) {
    case 'ping':
      return `${where}: the webhook works: ${payload.zen}`;
    case 'push':
      return `${where}: ${who} ${pushed(payload)}`;
    case 'issues':
      return `${where}: ${who} ${payload.action} issue #${payload.issue?.number} "${payload.issue?.title}"`;
    case 'pull_request': {
      const { number, title, merged, additions, deletions } = payload.pull_request ?? {};
      const action = payload.action === 'closed' && merged ? 'merged' : payload.action;
      return `${where}: ${who} ${action} pull request #${number} "${title}" (+${additions} -${deletions})`;
    }
    default:
      return `${where}: ${who} sent ${[name, payload.action].filter(Boolean).join(' ')}`;
  }
}

/** What a push did: made, deleted or moved a branch or tag. */
function pushed({ ref = '', created, deleted, forced, commits = [], head_commit: head }) {
  const kind = ref.startsWith('refs/tags/') ? 'tag' : 'branch';
  const target = `${kind} ${ref.replace(/^refs\/(heads|tags)\//, '')}`;
  if (deleted) {
    return `deleted ${target}`;
  }
  if (created && commits.length === 0) {
    return `made ${target}`;
  }
  const count = commits.length === 1 ? '1 commit' : `${commits.length} commits`;
  const last = head ? `, the last is ${head.id.slice(0, 7)} "${head.message.split('\n')[0]}"` : '';
  return `${forced ? 'force-pushed' : 'pushed'} ${count} to ${target}${last}`;
}
