// A developer reads about the API: jumps to a call, takes its command line, tries it, follows an error's link.
import assert from 'node:assert/strict';
import { furnished, signIn } from '../people.mjs';

export default async function ({ stage, context, page, look }) {
  const { token } = await furnished(stage);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  const inView = (id) => page.waitForFunction((name) => {
    const { top } = document.getElementById(name).getBoundingClientRect();
    return top >= 0 && top < window.innerHeight / 2;
  }, id);

  await page.goto('/docs/api');
  await look('api-docs');
  const contents = page.getByRole('navigation', { name: 'Contents', exact: true });
  await contents.getByRole('link', { name: 'Post an event' }).click();
  await page.waitForURL('/docs/api#post-v1-events');
  await inView('post-v1-events');

  const call = page.locator('#post-v1-events');
  await call.getByRole('button', { name: 'Copy curl' }).click();
  await call.getByText('Copied').waitFor();
  const curl = await copied();
  assert.ok(curl.startsWith(`curl ${stage.url}/v1/events`), curl);
  const body = JSON.parse(curl.slice(curl.indexOf("-d '") + 4, curl.lastIndexOf("'")));
  const answer = await stage.api(token, 'POST', '/v1/events', body);
  assert.equal(answer.status, 202, 'what the page shows is accepted');
  await call.getByRole('button', { name: 'Copy path /v1/events' }).click();
  await page.waitForFunction(async () => (await navigator.clipboard.readText()) === '/v1/events');

  // The link that an error carries.
  const refused = await stage.api(token, 'POST', '/v1/events', { type: 'nonsense', data: {} });
  await page.goto(refused.body.type);
  await inView('wrong');
  await page.locator('#wrong').getByText('Wrong input').waitFor();

  // On a phone the contents are behind a button.
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto('/docs/api');
  await page.locator('summary').filter({ hasText: 'Contents' }).click();
  await page.getByRole('navigation', { name: 'Contents of this page' }).getByRole('link', { name: 'Create a webhook' }).click();
  await inView('post-v1-webhooks');
  await page.setViewportSize({ width: 1440, height: 900 });

  await page.locator('#get-v1-deliveries-id').getByText('Fields').click();
  await page.locator('#get-v1-deliveries-id').getByText('attempts[].request.').first().waitFor();
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'OpenAPI document', exact: true }).click();
  assert.equal((await download).suggestedFilename(), 'callout-openapi.json');

  await signIn(page);
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'API', exact: true }).click();
  await page.waitForURL('/docs/api');
  await look('api-docs-signed-in');
}
