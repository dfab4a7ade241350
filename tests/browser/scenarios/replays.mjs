// A receiver was broken for a while: support sends everything that failed again, follows it, pauses and resumes it.
import assert from 'node:assert/strict';
import { event, furnished, settled, signIn, webhook } from '../people.mjs';

export default async function ({ stage, page, look, expecting }) {
  const { project, token } = await furnished(stage);
  const loyalty = await webhook(stage, token, 'Loyalty app', '/loyalty?status=500', { retries: 'none' });
  await webhook(stage, token, 'Data lake', '/lake');
  for (let n = 0; n < 9; n += 1) await event(stage, token, 'customer.rewarded', { n });
  await settled(stage, token);
  const mended = await stage.api(token, 'PATCH', `/v1/webhooks/${loyalty.id}`, { target_url: `${stage.receiverUrl}/loyalty` });
  assert.equal(mended.status, 200);

  await signIn(page);
  await page.goto(`/p/${project}/replays`);
  await look('no-replays');
  await page.goto(`/p/${project}/replays/new`);
  await look('no-filter');
  await page.goto(`/p/${project}/history?event_type=customer.rewarded`);
  await look('history-filtered');
  await page.getByRole('link', { name: 'Send all again…' }).click();
  await page.getByText('18 deliveries match.').waitFor();
  await page.getByText('9 of them are delivered').waitFor();
  await look('count-with-delivered');

  await page.goto(`/p/${project}/settings/webhooks/${loyalty.id}`);
  await page.getByRole('link', { name: 'Resend everything failed since…' }).click();
  await page.getByText('9 deliveries match.').waitFor();
  await page.getByLabel('Of events that came in the').selectOption('Last hour');
  await page.getByRole('button', { name: 'Count again' }).click();
  await page.waitForURL(/range=1h/);
  await page.getByLabel('At most so many a second').fill('5000');
  await expecting(422, async () => {
    await page.getByRole('button', { name: 'Send 9 again' }).click();
    await page.getByText('A whole number from 1 to 1').waitFor();
    await look('refused');
  });
  await page.getByLabel('At most so many a second').fill('1');
  await page.getByRole('button', { name: 'Send 9 again' }).click();
  await page.waitForURL(/\/replays\/rep_/);

  // It comes on by itself, and stops while it is paused.
  await page.getByText(/[1-8] of 9 sent or left out/).waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Resume' }).waitFor();
  await look('paused');
  await page.getByText('Cancel…').click();
  await look('cancel');
  await page.getByRole('link', { name: 'Let it go on' }).click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText('9 of 9 sent or left out (100 %)').waitFor();
  // Without loading it anew: its switches go with the news.
  await page.getByText('Everything was sent or left out.').waitFor();
  await page.getByRole('button', { name: 'Pause' }).waitFor({ state: 'detached' });
  await look('done');
  const sent = (await stage.received(27)).filter((request) => JSON.stringify(request).includes('/loyalty'));
  assert.equal(sent.length, 18, 'each once more');

  await page.goto(`/p/${project}/history`);
  for (const box of (await page.getByRole('checkbox', { name: /^Choose / }).all()).slice(0, 2)) await box.check();
  await look('history-chosen');
  await page.getByRole('button', { name: 'Send chosen again' }).click();
  await page.getByText('2 of 2 sent or left out (100 %)').waitFor();
  await page.goto(`/p/${project}/replays`);
  await look('replays');
}
