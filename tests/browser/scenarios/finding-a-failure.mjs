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
  await page.getByRole('link', { name: 'Pause…' }).click();
  await look('pause');
  await page.getByRole('button', { name: 'Pause webhook' }).click();
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

  await severalOfEach(page, project, look);
  await byKeys(page, project, look);
  await filterOnAPhone(page, project, look);

  await page.goto(`/p/${project}/history?q=order-1`);
  await look('history-search');
  await page.goto(`/p/${project}/history?q=nothing-like-that`);
  await look('history-nothing-found');

  await page.goto(`/p/${project}/events`);
  await look('events');
  await page.getByLabel('Deliveries', { exact: true }).selectOption('nobody');
  await page.waitForURL(/reached=nobody/);
  await look('events-that-reached-nobody');
  await page.goto(`/p/${project}/events`);
  await page.getByRole('link', { name: /customer\.rewarded/ }).first().click();
  await page.waitForURL(/\/events\/ev/);
  await look('event');
  assert.equal(await page.getByText('Zoë <b>').count() + await page.getByText('cust_2').count() > 0, true);

  await expecting(404, async () => {
    await page.goto(`/p/${project}/history/whs_${'0'.repeat(32)}`);
    await look('not-found');
  });
}

/** One value more at a time, each a chip that comes off alone; and what no index knows. */
async function severalOfEach(page, project, look) {
  await page.goto(`/p/${project}/history`);
  const failure = page.getByLabel('Failure', { exact: true });
  await failure.selectOption('timeout');
  await page.waitForURL(/failure=timeout$/);
  await failure.selectOption('response_status');
  await page.waitForURL(/failure=timeout&failure=response_status$/);
  await page.getByLabel('Attempts', { exact: true }).selectOption('1');
  await page.waitForURL(/attempts=1/);
  await look('history-several-failures');
  await page.getByRole('link', { name: 'Remove Failure No complete response in time' }).click();
  await page.waitForURL(/failure=response_status&attempts=1$/);
}

/** Where there is no room beside the list: rows by j and k, Enter opens, j goes on, Esc leads back with the filters. */
async function byKeys(page, project, look) {
  const narrow = () => page.setViewportSize({ width: 1000, height: 900 });
  await narrow();
  const history = `/p/${project}/history?status=failed`;
  await page.goto(history);
  const links = await page.locator('.rows .row-link').evaluateAll((all) => all.map((link) => link.pathname));
  const focused = () => page.evaluate(() => document.activeElement.pathname);
  for (const [key, at] of [['j', 0], ['j', 1], ['k', 0]]) {
    await page.keyboard.press(key);
    assert.equal(await focused(), links[at], `${key} to row ${at}`);
  }
  await page.keyboard.press('?');
  await page.getByText('back to the list').waitFor();
  await look('history-by-keys');
  await narrow();
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === links[0]);
  await page.keyboard.press('j');
  await page.waitForURL((url) => url.pathname === links[1]);
  await look('delivery-by-keys');
  await narrow();
  await page.keyboard.press('Escape');
  await page.waitForURL((url) => url.pathname + url.search === history);
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** The filters of a narrow screen: unfolded until they are sent, and nothing in them is lost or silent. */
async function filterOnAPhone(page, project, look) {
  const history = `/p/${project}/history`;
  const focused = () => page.evaluate(() => document.activeElement.id);
  const [type, tests] = ['Event type', 'Tests'].map((label) => page.getByLabel(label, { exact: true }));
  const [since, until] = [page.locator('#since'), page.locator('#until')];
  const narrow = () => page.setViewportSize({ width: 390, height: 844 });
  await narrow();
  await page.goto(history);
  await page.getByText('Filters', { exact: true }).click();
  await type.focus();
  await type.selectOption('customer.rewarded');
  await page.waitForURL(/event_type=/);
  assert.ok(await type.isVisible(), 'a choice folds nothing');
  assert.equal(await focused(), 'event_type');
  await tests.selectOption('Real only');
  await page.waitForURL(/test=0/);
  await look('history-filters-unfolded');
  await narrow();

  // Half a date in the fold: it is held back and says why, by button and by choice.
  await page.getByText('From and to').click();
  await since.focus();
  await page.keyboard.type('1120');
  for (const send of [() => page.getByRole('button', { name: 'Find' }).click(), () => tests.selectOption('All')]) {
    await page.getByText('From and to').click();
    assert.ok(await since.isHidden());
    await send();
    await since.waitFor();
    assert.equal(await focused(), 'since');
  }
  await page.goto(`${history}?since=2026-01-01T00:00:45Z`);
  await page.getByText('Filters (1)').click();
  await look('history-from-to');
  await narrow();
  const [first, second] = await Promise.all([since, until].map((field) => field.boundingBox()));
  assert.ok(second.y > first.y + first.height, 'a line each, for what does not fit beside another');
  await type.selectOption('customer.rewarded');
  await page.waitForURL(/event_type=.*since=2026-01-01T00%3A00%3A45Z/);
  await page.getByLabel('Time').selectOption('Last hour');
  await page.waitForURL(/event_type=customer.rewarded&range=1h$/);
  await page.getByRole('button', { name: 'Find' }).click();
  await type.waitFor({ state: 'hidden' });
  assert.equal(await focused(), 'filters-open');
  await page.setViewportSize({ width: 1440, height: 900 });

  await page.goto(`${history}?since=2026-01-02&until=2026-01-01`);
  await page.getByText('Until has to be later').first().waitFor();
  await look('history-wrong-end');
}
