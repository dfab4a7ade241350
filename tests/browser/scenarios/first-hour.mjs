// From nothing to a delivered event: the owner, a project, a key, a webhook, the history, a resend.
import assert from 'node:assert/strict';

export default async function ({ stage, page, look, expecting }) {
  const button = (name) => page.getByRole('button', { name, exact: true });
  const link = (name) => page.getByRole('link', { name, exact: true });

  await page.goto(await stage.setupLink());
  await look('set-up');
  await page.getByLabel('Your name').fill('Ada');
  await page.getByLabel('E-mail').fill('ada@example.com');
  await page.getByLabel('Password').fill('short');
  await expecting(422, () => button('Create the owner').click());
  assert.equal(await page.getByLabel('E-mail').inputValue(), 'ada@example.com', 'what was typed stays');
  await look('set-up-refused');
  await page.getByLabel('Password').fill('correct horse battery');
  await button('Create the owner').click();

  await page.waitForURL('/');
  await look('no-project-yet');
  await page.getByLabel('Name').fill('Shop');
  await button('Create project').click();
  await page.waitForURL(/\/p\/proj_/);
  await look('overview-of-a-new-project');
  const project = page.url().match(/proj_[0-9a-f]{32}/)[0];

  await page.goto(`/p/${project}/history`);
  await look('empty-history');

  await link('API keys').click();
  await look('no-key-yet');
  await page.getByLabel('Name').fill('Till');
  await button('Create key').click();
  const token = (await page.locator('#token').innerText()).trim();
  assert.match(token, /^ck_/);
  await look('key-made');

  await link('Webhooks').click();
  await look('no-webhook-yet');
  await link('Create webhook').first().click();
  await look('new-webhook');
  await expecting(422, () => button('Create webhook').click());
  await page.getByLabel('Target URL').fill(`${stage.receiverUrl}/hook`);
  await page.getByLabel('Chosen events').check();
  await page.getByLabel('Find an event type').fill('customer.rewarded');
  await page.getByRole('checkbox', { name: /^customer\.rewarded(?!\.)/ }).check();
  await look('new-webhook-filled-in');
  await button('Create webhook').click();
  assert.match(await page.locator('#secret').innerText(), /whsec_/);
  await look('webhook-made');

  const event = { type: 'customer.rewarded', data: { customer: { id: 'cust_1' } } };
  const accepted = await stage.api(token, 'POST', '/v1/events', event);
  assert.equal(accepted.status, 202);
  const [first] = await stage.received(1);
  assert.equal(first.headers['x-callout-event'], 'customer.rewarded');

  await page.goto(`/p/${project}/history`);
  await look('history');
  await page.getByRole('link', { name: /^customer\.rewarded/ }).click();
  await page.getByText('Delivered').first().waitFor();
  await look('delivery');
  await button('Resend').click();
  const [, second] = await stage.received(2);
  assert.equal(second.headers['webhook-id'], first.headers['webhook-id'], 'a resend has the same id');
}
