// The guides of the five systems, step by step: somebody who knows one of them finds each step here.
import assert from 'node:assert/strict';
import { furnished, signIn } from '../people.mjs';

export default async function ({ stage, page, look }) {
  const { project, token } = await furnished(stage);
  await signIn(page);
  const list = `/p/${project}/settings/webhooks`;
  const webhooks = async () => (await stage.api(token, 'GET', '/v1/webhooks')).body.data;
  const last = async (path) => (await stage.received(1)).filter((request) => request.path.startsWith(path)).at(-1);
  const begin = async (preset, path) => {
    await page.goto(list);
    await page.getByRole('link', { name: 'Create webhook' }).first().click();
    const filled = page.waitForResponse((answer) => answer.url().endsWith('/webhooks/new') && answer.request().method() === 'POST');
    await page.locator(`input[name=preset][value=${preset}]`).check();
    await filled;
    await page.locator(`input[name=applied][value=${preset}]`).waitFor({ state: 'attached' });
    await page.getByLabel('Target URL').fill(`${stage.receiverUrl}${path}`);
  };
  const tryIt = async (outcome) => {
    await page.getByText('Try it before you save').click();
    await page.locator('#try-unsaved').click();
    await page.locator('#tried').getByText(outcome).first().waitFor();
  };

  // Project webhooks: version, target URL, events, a test, "Create endpoint", the secret key.
  await begin('project', '/project?status=200');
  await page.getByLabel('All events').check();
  await tryIt('Delivered');
  await look('project-tried-before-saving');
  assert.ok((await last('/project')).headers['x-voucherify-signature']);
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.locator('#secret').waitFor();
  assert.match(await page.locator('#secret').textContent(), /^whsec_/);
  // Re-enabling one that was disabled: the webhook, and on again.
  const [made] = await webhooks();
  await stage.api(token, 'PATCH', `/v1/webhooks/${made.id}`, { target_url: `${stage.receiverUrl}/project?status=410` });
  await stage.api(token, 'POST', '/v1/events', { type: 'voucher.created', data: {} });
  for (let tries = 0; tries < 100 && (await webhooks())[0].active; tries += 1) await page.waitForTimeout(100);
  await page.goto(`${list}/${made.id}`);
  await page.getByText('Disabled').first().waitFor();
  await look('project-disabled');
  await page.getByRole('link', { name: 'Resume…' }).first().click();
  await look('project-resume');
  await page.getByRole('button', { name: /Resume/ }).click();
  await page.waitForURL(new RegExp(`${list}`));
  assert.equal((await webhooks())[0].active, true);

  // The contact connector: a name and an address, then "Test connection" in the row's menu with an editable sample.
  await begin('contact', '/contacts?status=200');
  await page.getByLabel('Name', { exact: true }).fill('CRM');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.locator('#secret').waitFor();
  await page.goto(list);
  await page.getByLabel('Actions for CRM').click();
  await page.getByRole('link', { name: 'Send a test' }).last().click();
  await page.getByLabel('Data').fill('{ "msisdn": 1, }');
  await page.locator('#data-check').getByText(/Line 1, column \d+/).waitFor();
  await look('contact-mistake-while-typing');
  await page.getByLabel('Data').fill('{ "msisdn": 5599999999999 }');
  await page.locator('#data-check').getByText('A JSON object.').waitFor();
  await page.locator('#send').click();
  await page.getByRole('heading', { name: /^Delivered/ }).waitFor();
  assert.equal((await last('/contacts')).body, '{"msisdn":5599999999999}');

  // Verification: an address, and a bearer token if the receiver wants one.
  await begin('verification', '/shoppers?status=204');
  await page.locator('input[name=authentication][value=bearer]').check();
  await page.getByLabel('Token', { exact: true }).fill('your-api-token');
  await tryIt('Delivered');
  assert.equal((await last('/shoppers')).headers.authorization, 'Bearer your-api-token');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.locator('#secret').waitFor();

  // Gamified campaigns: the master switch, the address and the events, and the history.
  await page.goto(`/p/${project}/settings/general`);
  await page.getByText(/[Ss]witch/).first().waitFor();
  await begin('gamify', '/gamify?status=200');
  assert.equal(await page.getByLabel('Time limit in seconds').inputValue(), '2');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.locator('#secret').waitFor();
  await stage.api(token, 'POST', '/v1/events', { type: 'prize.assigned', data: { prize: 'mug' } });
  for (let tries = 0; tries < 100 && !(await last('/gamify')); tries += 1) await page.waitForTimeout(100);
  await page.goto(`/p/${project}/history?event_type=prize.assigned`);
  await page.locator('tbody').getByText('prize.assigned').first().waitFor();

  // Loyalty: "Validate" comes without the key, "Save & Activate" shows it once.
  await begin('loyalty', '/loyalty?status=200');
  await tryIt('Delivered');
  assert.equal((await last('/loyalty')).headers['x-api-key'], undefined);
  await page.getByRole('button', { name: 'Create webhook' }).click();
  const key = await page.locator('#api-key').textContent();
  assert.match(key, /^[0-9a-f]{64}$/);
  await stage.api(token, 'POST', '/v1/events', { type: 'mission_completed', data: {} });
  for (let tries = 0; tries < 100 && (await last('/loyalty')).headers['x-api-key'] !== key; tries += 1) await page.waitForTimeout(100);
  assert.equal((await last('/loyalty')).headers['x-api-key'], key);

  // Afterwards only rotation: the page of the secret.
  const loyalty = (await webhooks()).find((one) => one.preset === 'loyalty');
  await page.goto(`${list}/${loyalty.id}/secret`);
  await look('secret');
  await page.getByRole('button', { name: 'Make a new secret' }).click();
  await page.locator('#key').waitFor();
  assert.notEqual(await page.locator('#key').textContent(), key);
  await look('secret-rotated');
  await page.getByRole('button', { name: 'See which it takes' }).click();
  await page.getByText('does not verify signatures').waitFor();
  await look('secret-tried');
  await page.goto('/notices');
  await look('notices');
}
