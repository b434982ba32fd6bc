// How the scripts of this folder are spoken to: one JSON object on stdin, one on stdout.
import { setTimeout } from 'node:timers/promises'
import { json } from 'node:stream/consumers'

// Do what `action` of the question names.
export async function answer(actions) {
  const asked = await json(process.stdin)
  console.log(JSON.stringify(await actions[asked.action](asked)))
}

// What a caller of the library can catch, as it was thrown.
export async function thrown(promise) {
  try {
    await promise
  } catch (error) {
    const { name, message, code, status, cause, response } = error
    const body = response?.bodyUsed === false ? await response.json() : undefined
    return { name, message, code, status, cause, body }
  }
  return { name: 'nothing was thrown' }
}

// A revocation may take a second to reach every worker of the server.
export async function becomes(wanted, read, within = 60_000) {
  const end = Date.now() + within
  while (Date.now() < end) {
    if ((await read()) === wanted) return true
    await setTimeout(20)
  }
  return false
}
