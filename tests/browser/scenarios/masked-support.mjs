// Support reads a delivery masked, reveals it for a reason, masks it again; the owner reads all of that in the audit log.
import assert from 'node:assert/strict';
import { event, furnished, person, settled, signIn, webhook } from '../people.mjs';

const MAIL = 'amina.haddad@mail.example';

export default async function ({ stage, page, look, expecting }) {
  const { project, token } = await furnished(stage);
  await person(stage, 'sam@example.com', 'Sam');
  await stage.command(['member', 'set', '--project', 'Shop', '--email', 'sam@example.com', '--role', 'support']);
  await webhook(stage, token, 'CRM', '/crm', { retries: 'none' });
  const customer = { name: 'Amina Haddad', email: MAIL, phone: '+44 117 496 0142' };
  await event(stage, token, 'customer.rewarded', { customer, voucher: { code: 'LINEN-7K2QW' } }, { entity_id: MAIL });
  const [delivery] = await settled(stage, token);
  const path = `/p/${project}/history/${delivery.id}`;

  await signIn(page, 'sam@example.com');
  await page.goto(path);
  await page.getByText('Personal data is masked.').waitFor();
  assert.ok(!(await page.content()).includes(MAIL));
  await page.getByRole('button', { name: 'Copy masked request body' }).waitFor();
  await look('masked');
  await page.goto(`/p/${project}/events`);
  assert.ok(!(await page.content()).includes(MAIL));
  await look('events-masked');

  await page.goto(path);
  await page.getByRole('link', { name: 'Reveal…' }).click();
  await look('reason');
  await expecting(422, async () => {
    await page.getByRole('button', { name: 'Reveal for 15 minutes' }).click();
    await page.getByText('Say why you need to see it.').waitFor();
    await look('reason-refused');
  });
  await page.getByLabel('Reason').fill('Ticket 4711');
  await page.getByRole('button', { name: 'Reveal for 15 minutes' }).click();
  await page.waitForURL((url) => url.pathname === path);
  await page.locator('#revealed').waitFor();
  assert.ok((await page.locator('#request-body').textContent()).includes(MAIL));
  await look('revealed');
  await page.getByRole('button', { name: 'Mask again now' }).click();
  await page.getByText('Personal data is masked.').waitFor();
  assert.ok(!(await page.content()).includes(MAIL));
  await page.goto('/account');
  await page.context().clearCookies();

  await signIn(page);
  await page.goto('/admin/audit');
  await page.locator('#audit').getByText('Record opened while revealed').first().waitFor();
  await look('audit');
  await page.goto('/admin/audit?person=nobody@example.com');
  await page.getByText('No line matches').waitFor();
  await look('audit-empty');
  await page.goto(`/p/${project}/settings/masking`);
  await look('masking');
  await page.getByLabel('Field', { exact: true }).first().fill('no field');
  await expecting(422, async () => {
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('A field is letters').waitFor();
    await look('masking-refused');
  });
}
