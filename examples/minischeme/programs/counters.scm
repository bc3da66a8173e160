; Closures: counters, queues and generators that keep their state to themselves.

(define (make-counter step)
  (let ((n 0))
    (lambda ()
      (set! n (+ n step))
      n)))

(define by-one (make-counter 1))
(define by-ten (make-counter 10))

(do ((i 0 (+ i 1))) ((= i 1000)) (by-one) (by-ten))
(write (list (by-one) (by-ten)))
(newline)

; A queue: its last pair is kept, so that adding to it takes no walk.
(define (make-queue)
  (let ((front '()) (back '()))
    (define (push! item)
      (let ((cell (list item)))
        (if (null? front)
            (set! front cell)
            (set-cdr! back cell))
        (set! back cell)))
    (define (pop!)
      (let ((item (car front)))
        (set! front (cdr front))
        item))
    (lambda (message . args)
      (case message
        ((push) (apply push! args))
        ((pop) (pop!))
        ((empty?) (null? front))
        (else (error "a queue does not know" message))))))

(define queue (make-queue))
(for-each (lambda (item) (queue 'push item)) '(a b c))
(write (queue 'pop))
(queue 'push 'd)
(write (list (queue 'pop) (queue 'pop) (queue 'pop) (queue 'empty?)))
(newline)

; A stream of numbers, each made when it is asked for.
(define (stream-from n) (cons n (lambda () (stream-from (+ n 1)))))
(define (stream-filter keep? s)
  (if (keep? (car s))
      (cons (car s) (lambda () (stream-filter keep? ((cdr s)))))
      (stream-filter keep? ((cdr s)))))
(define (stream-take s n)
  (if (= n 0) '() (cons (car s) (stream-take ((cdr s)) (- n 1)))))
(define (primes s)
  (cons (car s)
        (lambda ()
          (primes (stream-filter (lambda (n) (not (= 0 (modulo n (car s))))) ((cdr s)))))))

(write (stream-take (primes (stream-from 2)) 20))
(newline)
