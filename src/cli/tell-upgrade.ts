/** Says that a store of an earlier version is being brought to this one: until that is done nothing else happens. */
export function tellUpgrade(): void {
  console.error(
    'portcullis: bringing the store to this version: that takes some minutes if it is large, and can be interrupted',
  )
}
