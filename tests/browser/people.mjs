// Who plays: people made from the command line, and their signing in.

export const PASSWORD = 'correct horse battery';

/** Creates a person. */
export async function person(stage, email, name, ...more) {
  await stage.command(['user', 'create', '--email', email, '--name', name, '--password-stdin', ...more], PASSWORD);
}

/** The owner, and a project with a key: what the first hour leaves behind. */
export async function furnished(stage) {
  await person(stage, 'ada@example.com', 'Ada', '--owner');
  const project = await stage.command(['project', 'create', '--name', 'Shop']);
  const { token } = await stage.command(['key', 'create', '--project', 'Shop', '--name', 'till']);
  return { project: project.id, token };
}

export async function signIn(page, email = 'ada@example.com') {
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL('/');
}

/** A webhook made through the API. */
export async function webhook(stage, token, name, path, more = {}) {
  const body = { name, target_url: stage.receiverUrl + path, events: ['customer.rewarded'], ...more };
  const answer = await stage.api(token, 'POST', '/v1/webhooks', body);
  if (answer.status !== 201) throw new Error(`no webhook: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** An event posted through the API. */
export async function event(stage, token, type = 'customer.rewarded', data = { customer: { id: 'cust_1' } }, more = {}) {
  const answer = await stage.api(token, 'POST', '/v1/events', { type, data, ...more });
  if (answer.status !== 202) throw new Error(`no event: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Waits until no delivery is due or being sent; answers all of them. */
export async function settled(stage, token) {
  for (let tries = 0; tries < 400; tries += 1) {
    const { body } = await stage.api(token, 'GET', '/v1/deliveries?limit=250');
    if (body.data.every(({ status }) => !['due', 'sending'].includes(status))) return body.data;
    await new Promise((resume) => setTimeout(resume, 25));
  }
  throw new Error('deliveries do not settle');
}
