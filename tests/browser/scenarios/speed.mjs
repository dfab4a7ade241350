// What the first look at a page costs: bytes on the wire, requests, and whether anything moves while it arrives.
import assert from 'node:assert/strict';
import { event, furnished, settled, signIn, webhook } from '../people.mjs';

const BYTES_MAX = 250 * 1024;
const SHIFT_MAX = 0.01;

export default async function ({ stage, page, context }) {
  const { project, token } = await furnished(stage);
  const { id } = await webhook(stage, token, 'Loyalty app', '/ok');
  for (let n = 0; n < 60; n += 1) await event(stage, token);
  await settled(stage, token);
  await signIn(page);
  const state = await context.storageState();
  const place = `/p/${project}`;
  const pages = ['/sign-in', '/reference', `${place}/overview`, `${place}/history`, `${place}/settings/webhooks/${id}`];
  for (const path of pages) {
    const isPublic = !path.startsWith('/p/');
    const shape = path.replace(project, '…').replace(id, '…');
    const fresh = await context.browser().newContext({ baseURL: stage.url, storageState: isPublic ? undefined : state });
    const first = await load(fresh, stage, path);
    console.log(`  ${shape}: ${(first.bytes / 1024).toFixed(1)} KiB in ${first.requests.length} requests, shift ${first.shift.toFixed(4)}`);
    assert.ok(first.bytes <= BYTES_MAX, `${shape}: ${first.bytes} bytes at first load`);
    assert.ok(first.shift < SHIFT_MAX, `${shape}: things move by ${first.shift} while it loads`);
    const second = await load(fresh, stage, path);
    const again = second.requests.filter((one) => !one.isKept && new URL(one.url).pathname.startsWith('/static/'));
    assert.deepEqual(again, [], `${shape}: asks for static files again`);
    await fresh.close();
  }
}

/** Loads a page until nothing more is asked for, and answers what that took. */
async function load(context, stage, path) {
  const page = await context.newPage();
  const requests = new Map();
  let bytes = 0;
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  devtools.on('Network.requestWillBeSent', ({ requestId, request }) => {
    assert.ok(request.url.startsWith('data:') || new URL(request.url).origin === stage.url, `asks a stranger: ${request.url}`);
    if (!request.url.startsWith('data:')) requests.set(requestId, { url: request.url, isKept: false });
  });
  const keep = (requestId) => requests.has(requestId) && (requests.get(requestId).isKept = true);
  devtools.on('Network.requestServedFromCache', ({ requestId }) => keep(requestId));
  devtools.on('Network.responseReceived', ({ requestId, response }) => response.fromDiskCache && keep(requestId));
  devtools.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.addInitScript(() => {
    window.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.shift += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(path);
  await page.waitForLoadState('networkidle');
  const shift = await page.evaluate(() => window.shift);
  await page.close();
  return { bytes, shift, requests: [...requests.values()] };
}
