// Signing in and out, one's own account, and what a viewer may see.
import assert from 'node:assert/strict';
import { PASSWORD, event, furnished, person, settled, signIn, webhook } from '../people.mjs';

export default async function ({ stage, page, look, expecting }) {
  const { project, token } = await furnished(stage);
  await webhook(stage, token, 'Loyalty app', '/ok');
  await event(stage, token);
  await settled(stage, token);
  await person(stage, 'vera@example.com', 'Vera');
  await person(stage, 'nobody@example.com', 'Nora');
  await stage.command(['member', 'set', '--project', 'Shop', '--email', 'vera@example.com', '--role', 'viewer']);

  await page.goto(`/p/${project}/history`);
  assert.match(page.url(), /\/sign-in/, 'a stranger is asked to sign in first');
  await look('sign-in');
  await page.getByLabel('E-mail').fill('vera@example.com');
  await page.getByLabel('Password').fill('not the password');
  await expecting([401, 422], () => page.getByRole('button', { name: 'Sign in', exact: true }).click());
  await look('sign-in-refused');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL(/\/history/);
  await look('history-as-a-viewer');
  assert.equal(await page.getByRole('link', { name: 'Webhooks', exact: true }).count(), 0, 'no settings in the menu');
  await expecting([403, 404], async () => {
    await page.goto(`/p/${project}/settings/webhooks`);
    await look('settings-refused-to-a-viewer');
  });

  await page.goto('/account');
  await look('account');
  await page.getByLabel('Present password').fill('wrong');
  await page.getByLabel('New password').fill('short');
  await expecting(422, () => page.getByRole('button', { name: 'Change password' }).click());
  await look('account-refused');

  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto('/');
  await page.getByLabel('Show menu').check({ force: true });
  await page.getByText('Vera', { exact: false }).first().waitFor();
  await page.locator('summary').filter({ hasText: 'Vera' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.waitForURL(/\/sign-in/);

  await page.setViewportSize({ width: 1440, height: 900 });
  await signIn(page, 'nobody@example.com');
  await look('no-project-lets-nora-in');
}
