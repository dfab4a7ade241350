// Somebody reads the history while things happen: nothing moves, what is new is counted, what changes changes in place.
import assert from 'node:assert/strict';
import { event, furnished, settled, signIn, webhook } from '../people.mjs';

export default async function ({ stage, page, look }) {
  const { project, token } = await furnished(stage);
  const busy = await webhook(stage, token, 'Till', '/till?status=503', { retries: 'three' });
  await event(stage, token);
  await settled(stage, token);

  await signIn(page);
  await page.goto(`/p/${project}/history`);
  await page.getByRole('link', { name: /^Live/ }).click();
  await page.waitForURL(/live=1/);
  const follows = page.locator('html[data-live-follows]');
  await follows.waitFor();
  await page.locator('.row-choice').check();
  const top = async () => (await page.locator('.rows tbody tr').last().boundingBox()).y;
  const before = await top();

  await webhook(stage, token, 'Desk', '/desk', { events: ['voucher.created'] });
  await event(stage, token, 'voucher.created', {});
  await page.getByRole('link', { name: '1 new' }).waitFor();
  assert.equal(await page.locator('.rows tbody tr').count(), 1, 'nothing comes unasked');
  assert.equal(await top(), before, 'nothing moves');
  await look('live-one-new');
  await page.getByRole('link', { name: '1 new' }).click();
  await page.locator('.rows tbody tr').nth(1).waitFor();
  await page.getByRole('link', { name: '1 new' }).waitFor({ state: 'hidden' });
  assert.ok(await page.locator('.row-choice').last().isChecked(), 'what was chosen is');

  // The one that waits is taken at last, by a receiver that got well.
  await page.locator('.row-link').last().focus();
  await stage.api(token, 'PATCH', `/v1/webhooks/${busy.id}`, { target_url: `${stage.receiverUrl}/till` });
  const waiting = (await settled(stage, token)).find(({ status }) => status === 'retrying');
  await stage.api(token, 'POST', `/v1/deliveries/${waiting.id}/resend`, {});
  await page.locator(`#row-${waiting.id}`).getByText('Delivered').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.dataset.id), waiting.id, 'the focus stays');
  assert.ok(await page.locator(`#choose-${waiting.id}`).isChecked(), 'so does the choice');
  await look('live-changed-in-place');

  // Nobody looks: nothing is asked; somebody looks again: it goes on.
  const hide = (is) => page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, is);
  await hide(true);
  await follows.waitFor({ state: 'detached' });
  await hide(false);
  await follows.waitFor();
  await page.getByRole('link', { name: /^Live/ }).click();
  await follows.waitFor({ state: 'detached' });
}
