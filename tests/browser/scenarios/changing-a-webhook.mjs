// Changing a webhook: the bar that appears, the way back, the question before leaving, the secret that is shown once,
// a list long enough to search, and filters that fold away on a phone.
import assert from 'node:assert/strict';
import { event, furnished, settled, signIn, webhook } from '../people.mjs';

export default async function ({ stage, page, look }) {
  const { project, token } = await furnished(stage);
  const made = await webhook(stage, token, 'Data lake', '/in');
  for (let number = 2; number <= 11; number += 1) await webhook(stage, token, `Shop ${number}`, `/shops/${number}`);
  await event(stage, token);
  await settled(stage, token);
  await signIn(page);

  const list = `/p/${project}/settings/webhooks`;
  await page.goto(list);
  await look('eleven-webhooks');
  const shown = () => page.locator('.webhook:visible').count();
  assert.equal(await shown(), 11);
  await page.getByLabel('Find a webhook').fill('LAKE');
  assert.equal(await shown(), 1);
  await page.getByLabel('Find a webhook').fill('nowhere');
  await page.getByText('No webhook has these letters.').waitFor();
  await look('no-webhook-found');

  await page.goto(`${list}/${made.id}`);
  const bar = page.locator('[data-unsaved-bar]');
  assert.equal(await bar.isVisible(), false, 'nothing to save yet');
  await page.getByLabel('Name', { exact: true }).fill('Data pond');
  await bar.getByText('Unsaved changes').waitFor();
  await page.getByRole('checkbox', { name: 'All of Campaign', exact: true }).check();
  await page.getByText('6 event types').waitFor();
  await look('webhook-unsaved');
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByText('1 event type', { exact: true }).waitFor();
  await bar.waitFor({ state: 'hidden' });
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Data lake');

  // Leaving asks, and staying keeps what was typed.
  await page.getByLabel('Name', { exact: true }).fill('Data pond');
  let asked;
  page.once('dialog', (question) => {
    asked = question.type();
    return question.dismiss();
  });
  await page.getByRole('link', { name: 'History', exact: true }).click({ noWaitAfter: true });
  assert.equal(asked, 'beforeunload');
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Data pond');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByRole('heading', { name: 'Data pond' }).waitFor();
  assert.equal(await bar.isVisible(), false);

  // A header that is taken out is a change, and comes back when it is discarded.
  const headed = await webhook(stage, token, 'With headers', '/headed', { headers: { 'x-shop': 'eu', 'x-till': '7' } });
  await page.goto(`${list}/${headed.id}`);
  const names = () => page.locator('[name=header_name]:visible').evaluateAll((all) => all.map((one) => one.value));
  await page.getByRole('button', { name: 'Remove this header' }).first().click();
  await bar.getByText('Unsaved changes').waitFor();
  assert.deepEqual(await names(), ['x-till', '']);
  await page.getByRole('button', { name: 'Discard' }).click();
  await bar.waitFor({ state: 'hidden' });
  assert.deepEqual(await names(), ['x-shop', 'x-till', '']);
  await page.getByRole('button', { name: 'Remove this header' }).first().click();
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Saved.').waitFor();
  const stored = await stage.api(token, 'GET', `/v1/webhooks/${headed.id}`);
  assert.deepEqual(Object.keys(stored.body.headers), ['x-till']);

  // What is typed while a preset is on its way stays.
  await page.goto(`${list}/new`);
  await page.route('**/settings/webhooks/new', async (route) => {
    if (route.request().method() === 'POST') await page.locator('#filter').fill('data.typed = 1');
    await route.continue();
  });
  await page.getByText('Loyalty missions').click();
  await page.locator('input[name=applied][value=loyalty]').waitFor({ state: 'attached' });
  await page.waitForFunction(() => document.getElementById('filter').value === 'data.typed = 1');
  await page.unroute('**/settings/webhooks/new');
  page.once('dialog', (question) => question.accept());

  await page.goto(`${list}/new`);
  await page.getByLabel('Target URL').fill(`${stage.receiverUrl}/once`);
  page.once('dialog', (question) => {
    asked = `${question.type()} of a new one`;
    return question.dismiss();
  });
  await page.getByRole('link', { name: 'History', exact: true }).click({ noWaitAfter: true });
  assert.equal(asked, 'beforeunload of a new one');
  await page.getByLabel('All events').check();
  await look('new-webhook-typed');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.locator('#secret').waitFor();
  await page.getByText('I have stored it').click();
  await page.getByRole('link', { name: 'See the webhook' }).waitFor();
  await look('secret-stored');
  await page.reload();
  await page.getByRole('heading', { name: 'Signing secret' }).waitFor();
  assert.equal(await page.locator('#secret').count(), 0, 'it is shown once, and loading again makes nothing');

  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`/p/${project}/history?status=delivered&range=24h`);
  const filters = page.locator('form.filters');
  assert.equal(await filters.isVisible(), false, 'folded');
  await page.getByText('Filters (2)').click();
  assert.equal(await filters.isVisible(), true);
  await look('history-filters-unfolded');
}
