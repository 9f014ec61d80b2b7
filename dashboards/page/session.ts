/*
 * The token is kept for this tab only, and goes nowhere but into the Authorization header: not in a cookie, which every
 * request to this host would carry, and not in a URL, which is logged and shared.
 */
const KEY = 'crossfade-token'

export const keptToken = (): string | null => sessionStorage.getItem(KEY)
export const keepToken = (token: string): void => sessionStorage.setItem(KEY, token)
export const forgetToken = (): void => sessionStorage.removeItem(KEY)
