// From signing in to a failed delivery that is sent again, without a mouse.
import assert from 'node:assert/strict';
import { PASSWORD, event, furnished, settled, webhook } from '../people.mjs';

export default async function ({ stage, page, look }) {
  const { token } = await furnished(stage);
  await webhook(stage, token, 'Till', '/till?status=500', { retries: 'none' });
  await webhook(stage, token, 'Desk', '/desk');
  for (const id of ['cust_1', 'cust_2', 'cust_3']) await event(stage, token, 'customer.rewarded', { customer: { id } });
  await settled(stage, token);

  await page.goto('/sign-in');
  await reach(page, () => document.activeElement.type === 'email');
  await page.keyboard.type('ada@example.com');
  await reach(page, () => document.activeElement.type === 'password');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForURL('/');
  await reach(page, () => document.activeElement.matches('.project-card'));
  await page.keyboard.press('Enter');
  await page.waitForURL(/overview/);
  await press(page, 'History');
  await page.waitForURL(/history$/);
  await press(page, 'Failed');
  await page.waitForURL(/status=failed/);
  await page.locator('.filter-chip').waitFor();

  const focused = () => page.evaluate(() => document.activeElement.id);
  const opened = () => page.locator('#delivery').getAttribute('data-delivery');
  await page.keyboard.press('j');
  const first = await focused();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement.id === 'panel-title');
  assert.equal(`to-${await opened()}`, first);
  await look('panel-open');

  // The panel follows the rows; only where they stop is looked at.
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  const last = await focused();
  await page.waitForFunction((id) => `to-${document.getElementById('delivery').dataset.delivery}` === id, last);
  assert.ok(page.url().endsWith(`open=${await opened()}`), page.url());
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement.id === 'panel-title');
  await page.locator('#delivery').getByText('500 Internal Server Error').first().waitFor();
  await reach(page, () => document.activeElement.id === 'resend');
  await page.keyboard.press('Enter');
  await page.locator('#attempt-2').waitFor();
  await reach(page, () => document.activeElement.id === 'attempt-2');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Attempt 2' }).waitFor();
  await reach(page, () => document.activeElement.id === 'layout-diff');
  await page.keyboard.press('Enter');
  await page.getByText('Same as attempt 1.').first().waitFor();
  await look('panel-difference');
  await page.keyboard.press('Escape');
  await page.locator('#delivery').waitFor({ state: 'detached' });
  assert.equal(await focused(), last, 'back at its row');
  await page.keyboard.press('Enter');
  await page.locator('#panel-title').waitFor();
  await page.keyboard.press('o');
  await page.waitForURL((url) => url.pathname.endsWith(last.replace('to-', '/')));
  await page.keyboard.press('Escape');
  await page.waitForURL(/status=failed/);
}

/** Goes on by Tab until something has the focus. */
async function reach(page, is) {
  for (let tries = 0; tries < 120; tries += 1) {
    if (await page.evaluate(is)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach ${is}`);
}

/** Goes to a link of this name and presses Enter. */
async function press(page, name) {
  for (let tries = 0; tries < 120; tries += 1) {
    if (await page.evaluate((text) => document.activeElement.textContent.trim() === text && document.activeElement.matches('main a, nav a'), name)) break;
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
}
