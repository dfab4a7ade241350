// Presets on the page of a new webhook: each fills in the form, what was typed stays, the request beside it follows, and
// what is saved is what was shown.
import assert from 'node:assert/strict';
import { furnished, signIn, webhook } from '../people.mjs';

const PRESETS = [
  { word: 'project', body: 'envelope', success: '2xx', timeout: '10', retries: 'doubling-24h', header: 'x-voucherify-signature' },
  { word: 'contact', body: 'flat', success: '200', timeout: '10', retries: 'three' },
  { word: 'verification', body: 'flat', success: '2xx', timeout: '10', retries: 'doubling-24h' },
  { word: 'gamify', body: 'envelope', success: '2xx', timeout: '2', retries: 'none' },
  { word: 'loyalty', body: 'envelope', success: '2xx', timeout: '10', retries: 'three', header: 'x-api-key' },
];

export default async function ({ stage, page, look, expecting }) {
  const { project, token } = await furnished(stage);
  await signIn(page);
  const list = `/p/${project}/settings/webhooks`;
  await page.goto(`${list}/new`);
  const preview = page.locator('#request-preview');
  const chosen = (name) => page.locator(`input[name=${name}]:checked`).inputValue();
  await preview.getByText('To an example address').waitFor();
  await look('new-webhook');

  // What is typed is seen beside it at once.
  const target = `${stage.receiverUrl}/in?shop=1`;
  await page.getByLabel('Target URL').fill(target);
  await page.getByLabel('Name', { exact: true }).fill('Till');
  await page.getByLabel('Description').fill('two\nlines');
  await preview.getByText('/in?shop=1', { exact: true }).waitFor();
  await page.locator('input[name=authentication][value=bearer]').check();
  await page.getByLabel('Token', { exact: true }).fill('t0ken');
  await preview.getByText('Bearer [hidden]').waitFor();
  await page.getByRole('button', { name: 'Show the token' }).click();
  assert.equal(await page.locator('#token').getAttribute('type'), 'text');
  await page.getByRole('button', { name: 'Show the token' }).click();
  await page.locator('[name=header_name]').fill('x-shop');
  await page.locator('[name=header_value]').fill('eu');
  await page.getByRole('button', { name: 'Another header' }).click();
  await preview.getByText('x-shop', { exact: true }).waitFor();

  for (const preset of PRESETS) {
    const filled = page.waitForResponse((answer) => answer.url().endsWith('/webhooks/new'));
    await page.locator(`input[name=preset][value=${preset.word}]`).check();
    assert.equal((await filled).status(), 200);
    await page.locator(`input[name=applied][value=${preset.word}]`).waitFor({ state: 'attached' });
    assert.equal(await page.getByLabel('Target URL').inputValue(), target, preset.word);
    assert.equal(await page.getByLabel('Description').inputValue(), 'two\nlines');
    assert.equal(await page.locator('#token').inputValue(), 't0ken');
    assert.equal(await page.locator('[name=header_value]').first().inputValue(), 'eu');
    for (const name of ['body', 'success', 'retries']) assert.equal(await chosen(name), preset[name], `${preset.word}: ${name}`);
    assert.equal(await page.getByLabel('Time limit in seconds').inputValue(), preset.timeout);
    if (preset.header) await preview.getByText(preset.header, { exact: true }).waitFor();
    if (preset.word !== 'project') await preview.getByText('x-voucherify-signature').waitFor({ state: 'detached' });
    await look(`preset-${preset.word}`);
  }

  // Another event, another body; boxes that a preset brought count as the first ones did.
  const types = page.locator('#preview_type');
  const other = await types.locator('option').nth(1).textContent();
  await types.selectOption(other);
  await preview.locator('th', { hasText: 'x-callout-event' }).locator('..').getByText(other, { exact: true }).waitFor();
  await page.locator('[data-types-all]:not(:checked)').first().check();
  await page.locator('[data-types-total]', { hasText: /^\d+ event types?$/ }).waitFor();

  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.locator('#secret').waitFor();
  const key = await page.locator('#api-key').textContent();
  assert.match(key, /^[0-9a-f]{64}$/);
  await look('secret-and-key');
  const { data } = (await stage.api(token, 'GET', '/v1/webhooks')).body;
  assert.equal(data[0].preset, 'loyalty');
  assert.equal(data[0].authentication.type, 'api_key');
  assert.deepEqual(Object.keys(data[0].headers), ['x-shop']);
  assert.equal(data[0].retries, 'three');

  // On its own page: what is stored is named, another preset is not saved until it is.
  await page.goto(`${list}/${data[0].id}`);
  await page.getByText('Stored, fingerprint').first().waitFor();
  await look('webhook-with-a-preset');
  await page.getByText('Preset: Loyalty missions').click();
  await page.locator('input[name=preset][value=gamify]').check();
  await page.locator('[data-unsaved-bar]').getByText('Unsaved changes').waitFor();
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal((await stage.api(token, 'GET', `/v1/webhooks/${data[0].id}`)).body.preset, 'gamify');

  // A copy, and a refusal.
  await page.goto(list);
  await page.getByLabel('Actions for Till').click();
  await page.getByRole('link', { name: 'Duplicate…' }).click();
  await page.waitForURL(/from=/);
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Till (copy)');
  await page.locator('input[name=authentication][value=basic]').check();
  await expecting(422, async () => {
    await page.getByRole('button', { name: 'Create webhook' }).click();
    await page.locator('[id="authentication.password-error"]').waitFor();
    await look('copy-refused');
  });
  await page.locator('input[name=authentication][value=api_key]').check();
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.locator('#secret').waitFor();

  // Hosts.
  await webhook(stage, token, 'Elsewhere', '/x');
  await page.goto(`/p/${project}/settings/general`);
  await page.getByLabel('Hosts, one a line').fill('shop.example\n*.bücher.example');
  await page.getByRole('button', { name: 'Save hosts' }).click();
  await page.getByText(/Elsewhere lead to other hosts/).first().waitFor();
  await look('allowed-hosts');
  await page.goto(list);
  await page.getByText('Host not allowed').first().waitFor();
  await look('hosts-not-allowed');
}
