// The first steps of a new project, with nothing but a keyboard: from an empty overview to the first delivered event.
import assert from 'node:assert/strict';

const TABS_MAX = 150;

export default async function ({ stage, page, look }) {
  const password = 'correct horse battery';
  await stage.command(['user', 'create', '--email', 'ada@example.com', '--name', 'Ada', '--owner', '--password-stdin'], password);
  const project = await stage.command(['project', 'create', '--name', 'Shop']);
  const keyboard = page.keyboard;

  /** Tabs on until the focus is on what `selector` names, and sees to it that the focus can be seen there. */
  async function reach(selector) {
    for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
      await keyboard.press('Tab');
      const here = await page.evaluate((wanted) => {
        const focused = document.activeElement;
        return focused.matches(wanted) && getComputedStyle(focused);
      }, selector);
      if (!here) continue;
      const isSeen = (here.outlineStyle !== 'none' && here.outlineWidth !== '0px') || here.boxShadow !== 'none';
      assert.ok(isSeen, `the focus on ${selector} can be seen`);
      return;
    }
    throw new Error(`${TABS_MAX} tabs did not lead to ${selector} on ${page.url()}`);
  }
  async function press(selector) {
    await reach(selector);
    await keyboard.press('Enter');
  }
  const current = () => page.locator('.step.is-current h3').innerText();
  const focused = () => page.evaluate(() => document.activeElement.innerText);
  const done = () => page.locator('.step.is-done').count();

  await page.goto(`/sign-in?next=/p/${project.id}/overview`);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'email', 'the focus is where one types first');
  await keyboard.type('ada@example.com');
  await reach('#password');
  await keyboard.type(password);
  await keyboard.press('Enter');
  await page.waitForURL(/overview/);
  assert.equal(await current(), 'Create a webhook');
  await look('nothing-done');

  await press('#step-action');
  await page.waitForURL(/webhooks\/new/);
  await reach('#target_url');
  // Slow, so that there is something to wait for.
  await keyboard.type(`${stage.receiverUrl}/in?delay_ms=3000`);
  await reach('[name=which]');
  await keyboard.press('ArrowUp');
  assert.ok(await page.getByLabel('All events').isChecked());
  await press('.form-actions [type=submit]');
  await page.locator('#secret').waitFor();

  // Where to go on is told once that is said.
  await press('.stored > summary');
  await press('a[href$="/test"]');
  await page.waitForURL(/\/test$/);
  await look('before-the-test');
  await press('#send');
  await page.getByText('Sending…').waitFor({ timeout: 1_000 });
  assert.ok(await page.locator('#send').isDisabled());
  await page.locator('.test-outcome.is-good').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'answer-title', 'the focus is on the answer');
  await look('after-the-test');

  await press('#answer a[href$="/overview"]');
  await page.waitForURL(/overview/);
  assert.deepEqual([await done(), await current()], [2, 'Create an API key']);
  await look('two-done');

  await press('#step-action');
  await page.waitForURL(/settings\/keys/);
  await reach('#name');
  await keyboard.type('Shop backend');
  await keyboard.press('Enter');
  const token = (await page.locator('#token').innerText()).trim();
  const command = await page.locator('#first-event').innerText();
  assert.ok(command.includes(token) && command.includes(stage.url));
  await press('a[href$="/overview"]:not(.menu-item):not(nav a)');
  await page.waitForURL(/overview/);
  assert.deepEqual([await done(), await current()], [3, 'Post the first event']);
  await reach('#copy-command');
  await keyboard.press('Enter');
  await look('three-done');

  const event = JSON.parse(command.match(/-d '(\{.*\})'$/s)[1]);
  const accepted = await stage.api(token, 'POST', '/v1/events', event);
  assert.deepEqual([accepted.status, accepted.body.deliveries], [202, 1]);
  await page.locator('#step-5-delivery').waitFor();
  assert.deepEqual([await done(), await current()], [4, 'See it delivered']);
  assert.equal(await focused(), 'See it delivered', 'the button that had the focus is gone: it goes to what is next');
  assert.match(await page.locator('#steps-said').innerText(), /4 of 5 .* See it delivered/);
  await page.locator('.steps-done').waitFor();
  assert.match(await page.locator('#steps-said').innerText(), /All first steps are done/);
  assert.match(await focused(), /first steps are done/);
  await look('delivered');
  await press('#dismiss-steps');
  await page.locator('.summary').waitFor();
  await page.locator('#first-steps').waitFor({ state: 'detached' });
  await look('summary');
}
