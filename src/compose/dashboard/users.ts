import { ActionRefused, type Listing } from '../../admin/contract.ts'
import { displayText } from '../../core/display-text.ts'
import { PersonRefused } from '../../identity/people.ts'
import { signsInAt, userState } from '../../identity/user-state.ts'
import { buildPeople } from '../people.ts'
import type { ListingPorts } from './listing-ports.ts'
import { pageOf } from './select-page.ts'
import { writeTime } from './write-time.ts'

/** The users with accounts here. */
export function userListing({ store, secret, clock }: ListingPorts): Listing {
  const people = buildPeople({ store, secret, clock })
  const change = async (id: string, how: 'disable' | 'enable', done: string): Promise<string> => {
    const user = await store.users.find(id)
    if (user === undefined) throw new ActionRefused('This user is not there any more.')
    try {
      // By id: users who sign in at a provider have no user name here.
      await people[how](user.id)
    } catch (error) {
      if (error instanceof PersonRefused) throw new ActionRefused(error.message)
      throw error
    }
    return `${user.name} ${done}`
  }
  return {
    title: 'Users',
    path: '/users',
    about:
      'People with an account of this installation. The command "portcullis user" adds and removes them.',
    columns: ['Name', 'Shown as', 'Signs in at', 'Since', 'State'],
    async rows(asked) {
      return pageOf(await store.users.list(), asked, (user) => ({
        id: user.id,
        cells: [
          displayText(user.name),
          displayText(user.displayName),
          signsInAt(user),
          writeTime(user.createdAt),
          user.disabledAt === undefined ? userState(user) : `disabled ${writeTime(user.disabledAt)}`,
        ],
        actions: [user.disabledAt === undefined ? 'disable' : 'enable'],
      }))
    },
    actions: {
      disable: {
        label: 'Disable',
        consequence: 'They are signed out, all that they granted ends, and they cannot log in.',
        act: (id) => change(id, 'disable', 'is disabled and signed out everywhere.'),
      },
      enable: {
        label: 'Enable',
        consequence: 'They can log in again. Clients have to ask them anew.',
        act: (id) => change(id, 'enable', 'can log in again.'),
      },
    },
  }
}
