// The frame of every page: the search by keyboard, the colours, the menu of a phone, notices, and what is said when the
// network goes away.
import assert from 'node:assert/strict';
import { event, furnished, settled, signIn, webhook } from '../people.mjs';

export default async function ({ stage, page, look, expecting }) {
  const { project, token } = await furnished(stage);
  const place = `/p/${project}`;
  await webhook(stage, token, 'Loyalty app', '/ok');
  const { id } = await event(stage, token);
  const [delivery] = await settled(stage, token);
  await signIn(page);

  // The search, by keyboard alone.
  await page.goto(`${place}/overview`);
  const found = page.locator('[data-jump-found] a');
  await page.keyboard.press('Control+k');
  await found.first().waitFor();
  await look('search');
  await page.keyboard.type('loyalty app');
  await page.locator('[data-jump-found] a', { hasText: 'Loyalty app' }).waitFor();
  await look('search-found');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(page), 'Loyalty app');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/settings\/webhooks\/wh_/);
  for (const [wanted, there] of [[delivery.id, `/history/${delivery.id}`], [id, `/events/${id}`]]) {
    await page.keyboard.press('Control+k');
    await found.first().waitFor();
    // Pasted and opened at once, before anything was found.
    await page.keyboard.insertText(wanted);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**${there}`);
  }
  await page.getByRole('link', { name: /Search or jump to…/ }).click();
  await page.getByPlaceholder('Page, webhook').waitFor();
  // One Escape closes, whatever is typed; Caps Lock opens again; what is typed on a found line goes to the field.
  const answered = (text) => page.locator(`dialog[data-found="${text}"]`).waitFor();
  await page.keyboard.insertText('over');
  await answered('over');
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('dialog[data-jump]').isHidden());
  await page.keyboard.press('Control+K');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Backspace');
  assert.equal(await page.getByPlaceholder('Page, webhook').inputValue(), '');
  await answered('');
  await page.keyboard.press('Escape');
  await page.goto(`/jump?q=customer&project=${project}`);
  await look('search-as-a-page');

  // What was done is said, over the page, and can be taken away.
  await page.goto(`${place}/settings/general`);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const notice = page.locator('.notice[role=status]');
  await notice.getByText('Saved').waitFor();
  await notice.getByRole('button', { name: 'Close' }).click();
  assert.ok(await notice.isHidden());

  // A form that is on its way shows it, and is sent once.
  let sent = 0;
  page.on('request', (request) => (sent += request.method() === 'POST' ? 1 : 0));
  const state = await page.getByRole('button', { name: 'Save', exact: true }).evaluate((button) => {
    button.click();
    button.click();
    return [button.getAttribute('aria-disabled'), document.documentElement.hasAttribute('data-under-way')];
  });
  assert.deepEqual(state, ['true', true]);
  await notice.waitFor();
  assert.equal(sent, 1);

  // The network goes, and comes back.
  await page.goto(`${place}/history`);
  const cut = (route) => route.abort();
  await page.route('**/history?*', cut);
  await ignoringErrors(page, async () => {
    await page.getByRole('link', { name: 'Failed', exact: true }).click();
    await page.getByText('Callout cannot be reached.').waitFor();
  });
  await page.unroute('**/history?*', cut);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.waitForURL(/status=failed/);
  assert.ok(await page.getByText('Callout cannot be reached.').isHidden());

  // Colours are kept, here and before the door.
  await page.locator('summary').filter({ hasText: 'Ada' }).click();
  await page.getByRole('button', { name: 'Dark', exact: true }).click();
  await page.reload();
  assert.equal(await page.locator('html').getAttribute('data-bs-theme'), 'dark');
  await page.locator('summary').filter({ hasText: 'Ada' }).click();
  await page.getByRole('button', { name: 'System', exact: true }).click();
  await page.keyboard.press('Escape');

  // The menu of a phone: opens, says so, and Escape folds it up.
  await page.setViewportSize({ width: 390, height: 844 });
  const menu = page.getByLabel('Show menu');
  assert.equal(await menu.getAttribute('aria-expanded'), 'false');
  await menu.focus();
  await page.keyboard.press('Space');
  assert.equal(await menu.getAttribute('aria-expanded'), 'true');
  await page.locator('.nav-list').waitFor();
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('.nav-list').isHidden());
  await page.setViewportSize({ width: 1440, height: 900 });

  await expecting(404, async () => {
    await page.goto(`${place}/history/whs_nothing`);
    await look('not-found');
  });
}

/** The first line of what has the focus. */
function focused(page) {
  return page.evaluate(() => document.activeElement.querySelector('.jump-text > span')?.textContent);
}

/** htmx writes a request that got no answer into the console, which is what happens here. */
async function ignoringErrors(page, steps) {
  await page.evaluate(() => { window.loud = console.error; console.error = () => {}; });
  await steps();
  await page.evaluate(() => { console.error = window.loud; });
}
