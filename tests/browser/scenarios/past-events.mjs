// A receiver was added late: an admin counts what it missed and sends it, a few of the types, then follows it.
import assert from 'node:assert/strict';
import { event, furnished, signIn, webhook } from '../people.mjs';

export default async function ({ stage, page, look, expecting }) {
  const { project, token } = await furnished(stage);
  for (let n = 0; n < 6; n += 1) await event(stage, token, 'customer.rewarded', { n });
  await event(stage, token, 'voucher.created', { n: 9 });
  const lake = await webhook(stage, token, 'Data lake', '/lake', { events: ['customer.rewarded', 'voucher.created'] });

  await signIn(page);
  await page.goto(`/p/${project}/settings/webhooks/${lake.id}`);
  await page.getByRole('link', { name: 'Send past events…' }).click();
  await page.getByText('7 events match.').waitFor();
  await look('count');
  await page.getByText('Event types: all 2 that it takes').click();
  await page.getByLabel('customer.rewarded').check();
  await page.getByRole('button', { name: 'Count again' }).click();
  await page.getByText('6 events match.').waitFor();
  await look('some-types');
  await page.getByLabel('At most so many a second').fill('5000');
  await expecting(422, async () => {
    await page.getByRole('button', { name: 'Send 6 past events' }).click();
    await page.locator('#rate_per_s-error').waitFor();
    await look('refused');
  });
  await page.getByLabel('At most so many a second').fill('2');
  await page.getByRole('button', { name: 'Send 6 past events' }).click();
  await page.waitForURL(/\/replays\/rep_/);
  await page.getByText(/[1-5] of 6 sent or left out/).waitFor();
  await look('running');
  await page.getByText('6 of 6 sent or left out (100 %)').waitFor();
  await page.getByText('Everything was sent or left out.').waitFor();
  await look('done');
  assert.equal((await stage.received(6)).length, 6, 'each once');

  await page.goto(`/p/${project}/settings/webhooks/${lake.id}/past-events`);
  await page.getByText('It got 6 of them already.').waitFor();
  await page.getByRole('button', { name: 'Send 1 past event', exact: true }).waitFor();
  await look('what-is-left');
}
