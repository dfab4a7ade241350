// Support keeps filters under a name, opens, changes, renames and deletes them, and hides a view that everybody has.
import assert from 'node:assert/strict';
import { event, furnished, settled, signIn, webhook } from '../people.mjs';

export default async function ({ stage, page, look, expecting }) {
  const { project, token } = await furnished(stage);
  await webhook(stage, token, 'Loyalty app', '/loyalty?status=500', { retries: 'none' });
  await webhook(stage, token, 'Data lake', '/lake');
  for (let n = 0; n < 4; n += 1) await event(stage, token, 'customer.rewarded', { n });
  await settled(stage, token);

  await signIn(page);
  await page.goto(`/p/${project}/history`);
  const views = page.getByRole('navigation', { name: 'Views' });
  await views.getByRole('link', { name: 'Failed, last 24 hours' }).click();
  await views.locator('[aria-current]', { hasText: 'Failed' }).waitFor();
  await look('builtin');
  await page.goto(`/p/${project}/history?status=failed&event_type=customer.rewarded`);
  await page.getByText('Save view…').click();
  await page.getByLabel('Name of the view').fill('Rewards that failed');
  await look('saving');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await views.locator('[aria-current]', { hasText: 'Rewards that failed' }).waitFor();
  await look('saved');
  await page.getByRole('link', { name: 'Delivered' }).click();
  await page.getByRole('button', { name: 'Update “Rewards that failed” to these filters' }).waitFor();
  await look('changed');
  await page.getByRole('button', { name: 'Update “Rewards that failed” to these filters' }).click();
  await page.getByText('has these filters now').waitFor();

  await page.getByRole('link', { name: 'Edit views' }).click();
  await look('edit-views');
  await page.locator('summary', { hasText: 'Rename…' }).click();
  await page.getByLabel('New name').fill('');
  await expecting(422, async () => {
    await page.getByRole('button', { name: 'Rename', exact: true }).click();
    await page.getByText('Enter a name of at most').waitFor();
    await look('rename-refused');
  });
  await page.getByLabel('New name').fill('Rewards');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await page.getByText('It is called “Rewards” now.').waitFor();
  await page.getByRole('button', { name: 'Hide Tests' }).click();
  await page.getByText('Hidden from your row').waitFor();
  await look('hidden');
  await page.locator('summary', { hasText: 'Delete…' }).click();
  await look('delete');
  await page.getByRole('button', { name: 'Delete “Rewards”' }).click();
  await page.getByText('“Rewards” is deleted.').waitFor();
  await page.goto(`/p/${project}/history`);
  assert.deepEqual(await views.getByRole('link').allInnerTexts(), ['Failed, last 24 hours', 'Waiting', 'Edit views']);

  // Notes on a delivery.
  await page.goto(await page.locator('.row-link').first().getAttribute('href'));
  await page.getByLabel('Add a note').fill('Called the receiver.\nThey restart it at noon.');
  await page.getByRole('button', { name: 'Add note' }).click();
  await page.getByText('The note is added.').waitFor();
  await look('note');
  await page.goto(`/p/${project}/history`);
  await page.getByText('1 note', { exact: true }).waitFor();
  await look('note-in-list');
}
