// oauth4webapi as a FAPI 2 client: private_key_jwt, with and without DPoP, and signed introspection.
import * as oauth from 'oauth4webapi'
import { answer } from './stdio.mjs'

const http = { [oauth.allowInsecureRequests]: true }

async function discover({ issuer }) {
  const url = new URL(issuer)
  const response = await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...http })
  return oauth.processDiscoveryResponse(url, response)
}

async function authentication({ private_jwk }) {
  const jwk = JSON.parse(private_jwk)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['sign'])
  return oauth.PrivateKeyJwt({ key, kid: jwk.kid })
}

async function fetchToken(as, asked, options) {
  const client = { client_id: asked.client_id }
  const request = async () => {
    const response = await oauth.clientCredentialsGrantRequest(
      as,
      client,
      await authentication(asked),
      new URLSearchParams(asked.parameters),
      options,
    )
    return oauth.processClientCredentialsResponse(as, client, response)
  }
  try {
    return { token: await request(), nonces: 0 }
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return { token: await request(), nonces: 1 } // the handle has learned the nonce
  }
}

await answer({
  async token(asked) {
    const as = await discover(asked)
    return fetchToken(as, asked, http)
  },

  async bound(asked) {
    const as = await discover(asked)
    const client = { client_id: asked.client_id }
    const pair = await oauth.generateKeyPair('ES256')
    const DPoP = oauth.DPoP(client, pair)
    const found = await fetchToken(as, asked, { DPoP, ...http })
    return { ...found, thumbprint: await DPoP.calculateThumbprint() }
  },

  async introspection(asked) {
    const as = await discover(asked)
    const client = { client_id: asked.client_id }
    const { token } = await fetchToken(as, asked, http)
    const response = await oauth.introspectionRequest(
      as,
      client,
      await authentication(asked),
      token.access_token,
      { requestJwtResponse: true, ...http },
    )
    const type = response.headers.get('content-type')
    const introspected = await oauth.processIntrospectionResponse(as, client, response)
    await oauth.validateApplicationLevelSignature(as, response, http)
    return { type, introspected }
  },
})
