// The second half of `npm run lock`: takes out of the lock file what is an address (a page that asks
// for money) and says nothing about what is installed.
import { readFile, writeFile } from 'node:fs/promises'

const lock = JSON.parse(await readFile('package-lock.json', 'utf8'))
for (const each of Object.values(lock.packages)) delete each.funding
await writeFile('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`)
