// A day in support: receivers fail in every way; filters, search and the delivery's page say which, why and what to do.
import assert from 'node:assert/strict';
import { event, furnished, settled, signIn, webhook } from '../people.mjs';

export default async function ({ stage, page, look, expecting }) {
  const { project, token } = await furnished(stage);
  const quick = { timeout_ms: 1000, retries: 'none' };
  await webhook(stage, token, 'Loyalty app', '/ok');
  await webhook(stage, token, 'Data lake', '/lake?status=500', { description: 'Nightly import', retries: 'three' });
  await webhook(stage, token, 'Old shop', '/gone?status=410');
  await webhook(stage, token, 'Slow partner', '/slow?misbehave=hang', quick);
  await webhook(stage, token, 'Endless', '/endless?misbehave=huge', quick);
  await webhook(stage, token, 'Flaky', '/flaky?misbehave=reset', quick);
  const paused = await webhook(stage, token, 'Paused partner', '/paused?status=503');
  await event(stage, token, 'customer.rewarded', { customer: { id: 'cust_1', name: 'Zoë <b>' } }, { id: 'order-1' });
  await settled(stage, token);

  await signIn(page);
  await page.goto(`/p/${project}/settings/webhooks`);
  await look('webhooks-of-all-kinds');
  await page.goto(`/p/${project}/settings/webhooks/${paused.id}`);
  await look('webhook');

  await page.goto(`/p/${project}/settings/webhooks`);
  await page.getByLabel('Actions for Paused partner').click();
  await look('webhook-menu');
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await page.getByText('Paused', { exact: true }).first().waitFor();
  await event(stage, token, 'customer.rewarded', { customer: { id: 'cust_2' } }, { id: 'order-2' });
  await settled(stage, token);
  await page.goto(`/p/${project}/settings/webhooks/${paused.id}/resume`);
  await look('resume');
  await page.goto(`/p/${project}/settings/webhooks/${paused.id}/delete`);
  await look('delete');

  await page.goto(`/p/${project}/overview`);
  await look('overview');

  await page.goto(`/p/${project}/history`);
  await look('history-of-all-kinds');
  await page.getByRole('link', { name: 'Failed', exact: true }).click();
  await page.waitForURL(/status=failed/);
  await look('history-failed');
  assert.equal(await page.getByText('Loyalty app').locator('visible=true').count(), 0, 'only what failed');
  const deliveries = await settled(stage, token);
  const timedOut = deliveries.find(({ last_failure: failure }) => failure?.kind === 'timeout');
  await page.goto(`/p/${project}/history/${timedOut.id}`);
  await look('delivery-timed-out');

  const retrying = deliveries.find(({ status }) => status === 'retrying');
  await page.goto(`/p/${project}/history/${retrying.id}`);
  await look('delivery-retrying');
  const cut = deliveries.find(({ target_url: url }) => url.includes('endless'));
  await page.goto(`/p/${project}/history/${cut.id}`);
  await look('delivery-cut');

  await page.goto(`/p/${project}/history?q=order-1`);
  await look('history-search');
  await page.goto(`/p/${project}/history?q=nothing-like-that`);
  await look('history-nothing-found');

  await page.goto(`/p/${project}/events`);
  await look('events');
  await page.getByRole('link', { name: /customer\.rewarded/ }).first().click();
  await page.waitForURL(/\/events\/ev/);
  await look('event');
  assert.equal(await page.getByText('Zoë <b>').count() + await page.getByText('cust_2').count() > 0, true);

  await expecting(404, async () => {
    await page.goto(`/p/${project}/history/whs_${'0'.repeat(32)}`);
    await look('not-found');
  });
}
