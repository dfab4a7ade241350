// Checks that a request was sent by Callout and not changed on its way (Standard Webhooks).
//
// Give `verify` the body as the bytes that came, before anything parses them.
// In Express: app.post('/callout', express.raw({ type: '*/*' }), (req, res) => verify(req.body, req.headers, secrets))
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const TOLERANCE_S = 5 * 60;

/**
 * @param {Buffer} body the bytes that came
 * @param {Record<string, string>} headers names in small letters, as Node has them
 * @param {string[]} secrets `whsec_…`: one, or several of which any will do
 * @param {number} now seconds since 1970
 */
export function verify(body, headers, secrets, now = Date.now() / 1000) {
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  const signatures = (headers['webhook-signature'] ?? '').split(' ');
  if (!/^[0-9]{1,12}$/.test(timestamp) || Math.abs(now - Number(timestamp)) > TOLERANCE_S) return false;
  return secrets.some((secret) => {
    const signed = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(body);
    const expected = Buffer.from(`v1,${signed.digest('base64')}`);
    return signatures
      .map((signature) => Buffer.from(signature))
      .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
  });
}

function keyOf(secret) {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  // An empty key would let anybody sign.
  if (!secret.startsWith('whsec_') || key.length < 24) throw new Error('a secret is whsec_ and base64');
  return key;
}

// To try it: node verify.mjs ID TIMESTAMP SIGNATURE SECRET… < body
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [id, timestamp, signature, ...secrets] = process.argv.slice(2);
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
  const isValid = verify(readFileSync(0), headers, secrets);
  console.log(isValid ? 'valid' : 'not valid');
  process.exitCode = isValid ? 0 : 1;
}
