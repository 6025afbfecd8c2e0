package llm

import "strings"

// EndOfText is the token that ends a text.
const EndOfText = 0

// words are the tokens after EndOfText; a word that is not among them is
// spelled, a token for each character.
var words = strings.Fields(`
the of and to in is it you that he was for on are with as his they be at one have this from or had by hot
but some what there we can out other were all your when up use word how said an each she which do their time
if will way about many then them would write like so these her long make thing see him two has look more day
could go come did my sound no most number who over know water than call first people may down side been now
find any new work part take get place made live where after back little only round man year came show every
good me give our under name very through just form much great think say help low line before turn cause same
mean differ move right boy old too does tell sentence set three want air well also play small end put home read
hand port large spell add even land here must big high such follow act why ask men change went light kind off
need house picture try us again animal point mother world near build self earth father head stand own page
should country found answer school grow study still learn plant cover food sun four thought let keep eye never
last door between city tree cross since hard start might story saw far sea draw left late run while press close
night real life few stop open seem together next white children begin got walk example ease paper often always
music those both mark book letter until mile river car feet care second group carry took rain eat room friend
began idea fish mountain north once base hear horse cut sure watch color face wood main enough plain girl usual
young ready above ever red list though feel talk bird soon body dog family direct pose leave song measure state
product black short numeral class wind question happen complete ship area half rock order fire south problem
piece told knew pass farm top whole king size heard best hour better true during hundred am remember step early
hold west ground interest reach fast five sing listen six table travel less morning ten simple several vowel
`)

// firstCharacter is the token of the first printable character.
var firstCharacter = 1 + len(words)

const printable = '~' - ' ' + 1

var tokenOf = func() map[string]int {
	m := make(map[string]int, len(words))
	for i, w := range words {
		m[w] = 1 + i
	}
	return m
}()

// VocabularySize returns the number of tokens.
func VocabularySize() int { return firstCharacter + printable }

// Words returns the words that are one token each.
func Words() []string { return words }

// Encode turns text into tokens. Characters outside ASCII become question
// marks.
func Encode(text string) []int {
	var tokens []int
	for word := range strings.FieldsSeq(text) {
		if t, ok := tokenOf[strings.ToLower(word)]; ok {
			tokens = append(tokens, t)
			continue
		}
		for _, r := range word {
			if r < ' ' || r > '~' {
				r = '?'
			}
			tokens = append(tokens, firstCharacter+int(r-' '))
		}
	}
	return tokens
}

// Decode turns one token into text, with the space that precedes it.
func Decode(token int) string {
	switch {
	case token == EndOfText:
		return ""
	case token < firstCharacter:
		return " " + words[token-1]
	default:
		return string(rune(' ' + token - firstCharacter))
	}
}
